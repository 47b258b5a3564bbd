select number, checksum from migrations where package = %(package)s
