# Four functions of one zip. Each has a role, a log and a share of Postgres's connections of its own.

locals {
  # Connections that one sandbox holds at most: a pool of two, and one to migrate with; a worker has two hot ones, its heart
  # and the locks of slugs instead (overnight.aws.sandbox).
  connections = { worker = 6, schedule = 3, sweep = 3, console = 3 }

  beside = {
    schedule = { memory = 512, timeout = 60, at_once = 2 }
    sweep    = { memory = 512, timeout = 300, at_once = 1 }
    console  = { memory = 512, timeout = 30, at_once = 2 }
  }
  connections_beside = sum([for name, each in local.beside : each.at_once * local.connections[name]])

  functions = merge(
    { worker = { memory = var.worker_memory, timeout = var.worker_timeout, at_once = var.workers } },
    { for name, each in local.beside : name => each if var.console || name != "console" },
  )

  subnet_ids = (
    var.own_network != null ? var.own_network.subnet_ids : var.private_network ? aws_subnet.private[*].id : []
  )
  security_group_ids = (
    var.own_network != null
    ? var.own_network.security_group_ids
    : var.private_network ? [aws_security_group.functions[0].id] : []
  )
}

resource "aws_lambda_function" "this" {
  for_each = local.functions

  function_name                  = "${var.name}-${each.key}"
  role                           = aws_iam_role.function[each.key].arn
  filename                       = var.package
  source_code_hash               = filebase64sha256(var.package)
  handler                        = "contentstudio.aws.handlers.${each.key}"
  runtime                        = var.runtime
  architectures                  = [var.architecture]
  memory_size                    = each.value.memory
  timeout                        = each.value.timeout
  reserved_concurrent_executions = each.value.at_once
  publish                        = true

  environment {
    variables = {
      CONTENTSTUDIO_CONFIG = "/var/task/contentstudio.toml"
      OVERNIGHT_QUEUE_URL  = aws_sqs_queue.hints.url
      OVERNIGHT_SECRETS    = join(" ", [for secret in local.secrets_of[each.key] : aws_secretsmanager_secret.this[secret].arn])
    }
  }

  tracing_config {
    mode = "Active"
  }

  dynamic "vpc_config" {
    for_each = length(local.subnet_ids) > 0 ? ["in"] : []

    content {
      subnet_ids         = local.subnet_ids
      security_group_ids = local.security_group_ids
    }
  }

  depends_on = [aws_cloudwatch_log_group.function, aws_iam_role_policy.function]
}

# The version that is in use. To go back: point it to the version before, and nothing else changes.
resource "aws_lambda_alias" "live" {
  for_each = aws_lambda_function.this

  name             = "live"
  function_name    = each.value.function_name
  function_version = each.value.version
}

resource "aws_cloudwatch_log_group" "function" {
  for_each = local.functions

  name              = "/aws/lambda/${var.name}-${each.key}"
  retention_in_days = var.log_days
}

# The console has a login of its own, and answers nobody without a password in its secret.
resource "aws_lambda_function_url" "console" {
  count = var.console ? 1 : 0

  function_name      = aws_lambda_function.this["console"].function_name
  qualifier          = aws_lambda_alias.live["console"].name
  authorization_type = "NONE"
}
