#compdef keywright
# Completion of keywright for zsh.
_keywright() {
    local answer kind value help program=${(Q)words[1]}
    local -a lines described plain
    (( $+commands[$program] )) || [[ -x $program ]] || program=keywright
    answer=$(_KEYWRIGHT_COMPLETE=zsh _KEYWRIGHT_LINE="${(j: :)words[1,CURRENT-1]} " \
        _KEYWRIGHT_WORD="${(Q)PREFIX}" command $program </dev/null 2>/dev/null)
    lines=("${(@f)answer}")
    kind=${lines[1]%%$'\t'*} value=${lines[1]#*$'\t'}
    case $kind in
        files)
            compset -p ${#value}
            _files
            ;;
        program)
            words=("${(@)words[value + 1,-1]}")
            (( CURRENT -= value ))
            _normal
            ;;
        words)
            local line
            for line in "${(@)lines[2,-1]}"; do
                value=${line%%$'\t'*} help=${line#*$'\t'}
                if [[ -n $help ]]; then
                    described+=("${value//:/\\:}:$help")
                else
                    plain+=("$value")
                fi
            done
            (( $#described )) && _describe -V keywright described -U
            (( $#plain )) && compadd -U -V keywright -a plain
            ;;
    esac
}
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
    _keywright "$@"
else
    compdef _keywright keywright
fi
