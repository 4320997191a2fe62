"""Permissions, to be picked and to be read: the picker of key and role forms, and the summary beside them.

A page reads the words of its tenant with `lexicon_of`, makes a `Pick` of policies or of its form, shows it by
`picker_of` (macro `picker` of `picker/macros.html`), and takes `pick.scope` or `pick.policies` from it. What policies
come to is said by `summary_of` (macro `summary`), everywhere in the same words.
"""

from keywright.console.picker.lexicon import Lexicon, catalog_of, lexicon_of
from keywright.console.picker.offered import Picker, picker_of, reader
from keywright.console.picker.pages import PAGES
from keywright.console.picker.pick import Pick, Written, same
from keywright.console.picker.refusing import refused_scope
from keywright.console.picker.summary import Holder, Summary, policy_in_words, said, summary_of

__all__ = [
    "PAGES",
    "Holder",
    "Lexicon",
    "Pick",
    "Picker",
    "Summary",
    "Written",
    "catalog_of",
    "lexicon_of",
    "picker_of",
    "policy_in_words",
    "reader",
    "refused_scope",
    "said",
    "same",
    "summary_of",
]
