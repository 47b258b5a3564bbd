"""Whether sources say what an article states: by code, and by a model whose word code checks."""
