# The private network and the Postgres in it, where they are asked for. Both cost more than everything else together.

data "aws_availability_zones" "this" {
  count = var.private_network ? 1 : 0
  state = "available"
}

resource "aws_vpc" "this" {
  count = var.private_network ? 1 : 0

  cidr_block           = "10.42.0.0/16"
  enable_dns_hostnames = true
  tags                 = { Name = var.name }
}

resource "aws_subnet" "private" {
  count = var.private_network ? 2 : 0

  vpc_id            = aws_vpc.this[0].id
  cidr_block        = "10.42.${count.index}.0/24"
  availability_zone = data.aws_availability_zones.this[0].names[count.index]
  tags              = { Name = "${var.name}-private" }
}

resource "aws_subnet" "public" {
  count = var.private_network ? 1 : 0

  vpc_id            = aws_vpc.this[0].id
  cidr_block        = "10.42.100.0/24"
  availability_zone = data.aws_availability_zones.this[0].names[0]
  tags              = { Name = "${var.name}-public" }
}

resource "aws_internet_gateway" "this" {
  count  = var.private_network ? 1 : 0
  vpc_id = aws_vpc.this[0].id
}

resource "aws_eip" "nat" {
  count  = var.private_network ? 1 : 0
  domain = "vpc"
}

# One, in one zone: a second one costs as much again, and a night can wait for a zone.
resource "aws_nat_gateway" "this" {
  count = var.private_network ? 1 : 0

  allocation_id = aws_eip.nat[0].id
  subnet_id     = aws_subnet.public[0].id
  depends_on    = [aws_internet_gateway.this]
}

resource "aws_route_table" "public" {
  count  = var.private_network ? 1 : 0
  vpc_id = aws_vpc.this[0].id

  route {
    cidr_block = "0.0.0.0/0"
    gateway_id = aws_internet_gateway.this[0].id
  }
}

resource "aws_route_table" "private" {
  count  = var.private_network ? 1 : 0
  vpc_id = aws_vpc.this[0].id

  route {
    cidr_block     = "0.0.0.0/0"
    nat_gateway_id = aws_nat_gateway.this[0].id
  }
}

resource "aws_route_table_association" "public" {
  count = var.private_network ? 1 : 0

  subnet_id      = aws_subnet.public[0].id
  route_table_id = aws_route_table.public[0].id
}

resource "aws_route_table_association" "private" {
  count = var.private_network ? 2 : 0

  subnet_id      = aws_subnet.private[count.index].id
  route_table_id = aws_route_table.private[0].id
}

resource "aws_security_group" "functions" {
  count = var.private_network ? 1 : 0

  name   = "${var.name}-functions"
  vpc_id = aws_vpc.this[0].id

  egress {
    description = "Sites, models, AWS, and the database"
    from_port   = 0
    to_port     = 0
    protocol    = "-1"
    cidr_blocks = ["0.0.0.0/0"]
  }
}

resource "aws_security_group" "database" {
  count = var.rds != null ? 1 : 0

  name   = "${var.name}-database"
  vpc_id = aws_vpc.this[0].id

  ingress {
    description     = "Postgres, from the functions alone"
    from_port       = 5432
    to_port         = 5432
    protocol        = "tcp"
    security_groups = [aws_security_group.functions[0].id]
  }
}

resource "aws_db_subnet_group" "this" {
  count = var.rds != null ? 1 : 0

  name       = var.name
  subnet_ids = aws_subnet.private[*].id
}

resource "aws_db_parameter_group" "this" {
  count = var.rds != null ? 1 : 0

  name   = "${var.name}-postgres${var.rds.version}"
  family = "postgres${var.rds.version}"

  parameter {
    name  = "rds.force_ssl"
    value = "1"
  }

  parameter {
    name         = "max_connections"
    value        = tostring(var.postgres_connections)
    apply_method = "pending-reboot"
  }
}

resource "aws_db_instance" "this" {
  count = var.rds != null ? 1 : 0

  identifier                  = var.name
  engine                      = "postgres"
  engine_version              = var.rds.version
  instance_class              = var.rds.instance_class
  allocated_storage           = var.rds.gigabytes
  max_allocated_storage       = var.rds.gigabytes * 5
  storage_type                = "gp3"
  storage_encrypted           = true
  db_name                     = "overnight"
  username                    = "overnight_master"
  manage_master_user_password = true # made and turned by RDS, so that it is in no state
  db_subnet_group_name        = aws_db_subnet_group.this[0].name
  parameter_group_name        = aws_db_parameter_group.this[0].name
  vpc_security_group_ids      = [aws_security_group.database[0].id]
  multi_az                    = var.rds.two_zones
  backup_retention_period     = var.rds.backup_days
  deletion_protection         = var.rds.keep_snapshot
  skip_final_snapshot         = !var.rds.keep_snapshot
  final_snapshot_identifier   = var.rds.keep_snapshot ? "${var.name}-last" : null
  publicly_accessible         = false
  copy_tags_to_snapshot       = true
  auto_minor_version_upgrade  = true
}
