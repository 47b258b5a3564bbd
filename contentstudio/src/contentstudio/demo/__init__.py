"""One night on loopback, for trying the whole flow without an account anywhere."""
