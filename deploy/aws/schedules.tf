# The clock. Scheduler fires at least once and to the minute; the slot's id in the ledger lets one of them win.

locals {
  # jsonencode writes < and > as \u003c and \u003e, and Scheduler would not know its own word again.
  slot = {
    for name, each in var.schedules : name => replace(replace(jsonencode({
      pipeline       = each.pipeline
      cron           = each.cron
      timezone       = each.timezone
      scheduled_time = "<aws.scheduler.scheduled-time>"
    }), "\\u003c", "<"), "\\u003e", ">")
  }
}

resource "aws_scheduler_schedule_group" "this" {
  name = var.name
}

resource "aws_scheduler_schedule" "cron" {
  for_each = var.schedules

  name                         = each.key
  group_name                   = aws_scheduler_schedule_group.this.name
  schedule_expression          = each.value.expression
  schedule_expression_timezone = each.value.timezone
  state                        = var.working ? "ENABLED" : "DISABLED"

  flexible_time_window {
    mode = "OFF"
  }

  target {
    arn      = aws_lambda_alias.live["schedule"].arn
    role_arn = aws_iam_role.clock.arn
    input    = local.slot[each.key]

    dead_letter_config {
      arn = aws_sqs_queue.dead["clock"].arn
    }

    retry_policy {
      maximum_event_age_in_seconds = 3600
      maximum_retry_attempts       = 20
    }
  }
}

# Once a minute: dead workers' leases, slots that were missed, alerts, retention, and hints for what is due.
resource "aws_scheduler_schedule" "sweep" {
  name                = "sweep"
  group_name          = aws_scheduler_schedule_group.this.name
  schedule_expression = "rate(1 minute)"
  state               = var.working ? "ENABLED" : "DISABLED"

  flexible_time_window {
    mode = "OFF"
  }

  target {
    arn      = aws_lambda_alias.live["sweep"].arn
    role_arn = aws_iam_role.clock.arn

    retry_policy {
      maximum_event_age_in_seconds = 60 # the next one does the same
      maximum_retry_attempts       = 0
    }
  }
}

# What the functions fail at when Scheduler had handed it over already.
resource "aws_lambda_function_event_invoke_config" "schedule" {
  function_name                = aws_lambda_function.this["schedule"].function_name
  qualifier                    = aws_lambda_alias.live["schedule"].name
  maximum_event_age_in_seconds = 3600
  maximum_retry_attempts       = 2

  destination_config {
    on_failure {
      destination = aws_sqs_queue.dead["clock"].arn
    }
  }
}

resource "aws_lambda_function_event_invoke_config" "sweep" {
  function_name                = aws_lambda_function.this["sweep"].function_name
  qualifier                    = aws_lambda_alias.live["sweep"].name
  maximum_event_age_in_seconds = 60
  maximum_retry_attempts       = 0
}
