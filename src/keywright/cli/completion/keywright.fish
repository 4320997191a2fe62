# Completion of keywright for fish.
function __keywright_complete
    set -l tokens (commandline -opc)
    set -l word (commandline -ct)
    set -l plain (string unescape -- $word 2>/dev/null)
    and set word $plain
    set -lx _KEYWRIGHT_COMPLETE fish
    set -lx _KEYWRIGHT_LINE (string join ' ' -- (string escape -- $tokens))' '
    set -lx _KEYWRIGHT_WORD "$word"
    set -l program $tokens[1]
    type -q -- $program; or set program keywright
    set -l lines (command $program </dev/null 2>/dev/null)
    set -l head (string split -- \t "$lines[1]")
    switch "$head[1]"
        case files
            set -l rest (string sub -s (math (string length -- "$head[2]") + 1) -- "$word")
            for path in (__fish_complete_path "$rest")
                echo -- "$head[2]$path"
            end
        case program
            set -l rest (string escape -- $tokens[(math $head[2] + 1)..-1])
            complete -C (string join ' ' -- $rest (commandline -ct))
        case words
            for line in $lines[2..-1]
                echo -- $line
            end
    end
end
complete -c keywright -f -a '(__keywright_complete)'
