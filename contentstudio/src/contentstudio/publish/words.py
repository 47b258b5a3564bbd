"""The few words that a page itself says, in the language of its article."""

from __future__ import annotations

_WORDS = {
    "en": ("Contents", "Questions and answers", "Sources", "Source", "min read", "updated"),
    "de": ("Inhalt", "Fragen und Antworten", "Quellen", "Quelle", "Min. Lesezeit", "aktualisiert"),
    "es": ("Contenido", "Preguntas y respuestas", "Fuentes", "Fuente", "min de lectura", "actualizado"),
    "fr": ("Sommaire", "Questions et réponses", "Sources", "Source", "min de lecture", "mis à jour"),
    "it": ("Indice", "Domande e risposte", "Fonti", "Fonte", "min di lettura", "aggiornato"),
    "nl": ("Inhoud", "Vragen en antwoorden", "Bronnen", "Bron", "min leestijd", "bijgewerkt"),
    "pt": ("Índice", "Perguntas e respostas", "Fontes", "Fonte", "min de leitura", "atualizado"),
}
_NAMES = ("contents", "questions", "sources", "source", "minutes", "updated")


def words(language: str) -> dict[str, str]:
    """Name to word; in English where we do not know the language."""
    return dict(zip(_NAMES, _WORDS.get(language.lower()[:2], _WORDS["en"]), strict=True))
