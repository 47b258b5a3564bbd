"""What readers did with articles: figures by page and day, and what follows from them."""
