"""Google Search Console: analytics and index status."""
