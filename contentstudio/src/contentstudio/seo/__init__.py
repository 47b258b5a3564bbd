"""What search engines and readers of lists see of an article, brought into shape before it is
judged.
"""

from contentstudio.seo.optimize import Change, Optimized, optimize

__all__ = ["Change", "Optimized", "optimize"]
