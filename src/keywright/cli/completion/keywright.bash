# Completion of keywright for bash, 3.2 and later.
_keywright() {
    local program=$1 kind="" more="" value help room at
    local values helps
    values=() helps=() COMPREPLY=()
    type -P -- "$program" >/dev/null 2>&1 || program=keywright
    while IFS=$'\t' read -r value help; do
        if [[ -z $kind ]]; then
            kind=$value more=$help
        else
            values+=("$value") helps+=("$help")
        fi
    done < <(_KEYWRIGHT_COMPLETE=bash _KEYWRIGHT_LINE="${COMP_LINE:0:COMP_POINT}" \
        _KEYWRIGHT_BREAKS="$COMP_WORDBREAKS" "$program" </dev/null 2>/dev/null)
    case $kind in
        files)
            compopt -o filenames 2>/dev/null
            while IFS= read -r value; do COMPREPLY+=("$value"); done < <(compgen -f -- "$2")
            ;;
        program)
            # Bash may have more words than there are, but has each -- by itself.
            for ((at = 0; at < COMP_CWORD; at++)); do
                [[ ${COMP_WORDS[at]} == -- ]] && more=$((at + 1)) && break
            done
            if declare -F _command_offset >/dev/null; then
                _command_offset "$more"
            elif ((COMP_CWORD <= more)); then
                while IFS= read -r value; do COMPREPLY+=("$value"); done < <(compgen -c -- "$2")
            else
                compopt -o filenames 2>/dev/null
                while IFS= read -r value; do COMPREPLY+=("$value"); done < <(compgen -f -- "$2")
            fi
            ;;
        words)
            COMPREPLY=(${values[@]+"${values[@]}"})
            # Where candidates are listed, and none of them is put on the line, what is known of each is told.
            if ((${#values[@]} > 1)) && [[ ${COMP_TYPE:-0} == 63 ]]; then
                for ((at = 0; at < ${#values[@]}; at++)); do
                    room=$((${COLUMNS:-80} - ${#values[at]} - 6))
                    if [[ -n ${helps[at]} ]] && ((room > 8)); then
                        COMPREPLY[at]="${values[at]}  (${helps[at]:0:room})"
                    fi
                done
            fi
            ;;
    esac
}
complete -o nosort -F _keywright keywright 2>/dev/null || complete -F _keywright keywright
