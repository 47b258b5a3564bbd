"""What a person needs to decide about an article: one dossier, as text, as a page, as JSON; and the
text to edit.
"""

from contentstudio.review.dossier import Claim, Dossier, RivalPost, gather

__all__ = ["Claim", "Dossier", "RivalPost", "gather"]
