"""Words, sentences, numbers and languages. Pure."""
