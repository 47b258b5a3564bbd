"""Messages from outside: a webhook, a queue."""
