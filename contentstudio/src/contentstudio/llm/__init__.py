"""Which language models do the work of the studio, and what is sent to them."""
