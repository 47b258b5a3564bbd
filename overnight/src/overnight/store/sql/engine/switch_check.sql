select switched_off(%(pipeline)s, %(key)s, %(step)s) as scope
