"""Reading the web: guarded fetching, feeds, and the text of pages. Importing any of it loads no
heavy library.
"""
