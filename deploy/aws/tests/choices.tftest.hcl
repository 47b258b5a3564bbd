# What an emulator accepts and AWS refuses, and what an owner could choose wrongly. Nothing is made: the provider is mocked.

mock_provider "aws" {
  mock_data "aws_caller_identity" {
    defaults = { account_id = "123456789012" }
  }

  mock_data "aws_availability_zones" {
    defaults = { names = ["eu-central-1a", "eu-central-1b"] }
  }

  mock_resource "aws_sqs_queue" {
    defaults = { arn = "arn:aws:sqs:eu-central-1:123456789012:queue" }
  }

  mock_resource "aws_lambda_alias" {
    defaults = { arn = "arn:aws:lambda:eu-central-1:123456789012:function:one:live" }
  }

  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::123456789012:role/one" }
  }

  mock_resource "aws_sns_topic" {
    defaults = { arn = "arn:aws:sns:eu-central-1:123456789012:alarms" }
  }

  mock_resource "aws_cloudwatch_log_group" {
    defaults = { arn = "arn:aws:logs:eu-central-1:123456789012:log-group:one" }
  }

  mock_resource "aws_secretsmanager_secret" {
    defaults = { arn = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:one" }
  }

  mock_resource "aws_db_instance" {
    defaults = { master_user_secret = [{ secret_arn = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:rds" }] }
  }
}

variables {
  package = "tests/any.zip"
  schedules = {
    night = { pipeline = "night", cron = "0 4 * * *", timezone = "UTC", expression = "cron(0 4 * * ? *)" }
  }
}

run "as_it_comes" {
  assert {
    condition     = aws_sqs_queue.hints.visibility_timeout_seconds >= 6 * aws_lambda_function.this["worker"].timeout
    error_message = "A hint comes back before its worker can be done."
  }

  assert {
    condition     = alltrue([for queue in aws_sqs_queue.dead : queue.message_retention_seconds > aws_sqs_queue.hints.message_retention_seconds])
    error_message = "A dead letter keeps the time of its first sending: it would be gone when someone looks."
  }

  assert {
    condition     = jsondecode(aws_sqs_queue.hints.redrive_policy).maxReceiveCount >= 5
    error_message = "A throttled start counts as a receive."
  }

  assert {
    condition     = alltrue([for each in aws_lambda_function.this : each.timeout <= 900])
    error_message = "Lambda ends at 900 seconds."
  }

  assert {
    condition     = alltrue([for each in aws_lambda_function.this : each.reserved_concurrent_executions >= 1])
    error_message = "A function without a share of its own may hold any number of connections."
  }

  assert {
    condition = (
      aws_lambda_event_source_mapping.hints.scaling_config[0].maximum_concurrency
      <= aws_lambda_function.this["worker"].reserved_concurrent_executions
    )
    error_message = "Hints would be refused."
  }

  assert {
    condition     = contains(aws_lambda_event_source_mapping.hints.function_response_types, "ReportBatchItemFailures")
    error_message = "One hint that fails would bring back the whole batch."
  }

  assert {
    condition     = output.connections + var.connections_kept <= var.postgres_connections
    error_message = "The functions can hold more connections than Postgres has."
  }

  assert {
    condition     = aws_scheduler_schedule.cron["night"].target[0].input == "{\"cron\":\"0 4 * * *\",\"pipeline\":\"night\",\"scheduled_time\":\"<aws.scheduler.scheduled-time>\",\"timezone\":\"UTC\"}"
    error_message = "Scheduler would not know its own word, or the handler not the slot."
  }

  assert {
    condition     = aws_scheduler_schedule.sweep.schedule_expression == "rate(1 minute)"
    error_message = "The sweep is what everything else leans on."
  }

  assert {
    condition     = alltrue([for each in aws_lambda_function.this : each.tracing_config[0].mode == "Active"])
    error_message = "A function is not traced."
  }

  assert {
    condition     = length(aws_vpc.this) + length(aws_nat_gateway.this) + length(aws_db_instance.this) == 0
    error_message = "What costs most is made though nobody asked."
  }

  assert {
    condition     = alltrue([for each in aws_lambda_function.this : !strcontains(jsonencode(each.environment), "postgres://")])
    error_message = "A secret stands in an environment, and so in the state."
  }

  assert {
    condition     = alltrue([for each in aws_cloudwatch_log_group.function : each.retention_in_days > 0])
    error_message = "Logs would be kept for ever."
  }
}

run "every_queue_of_dead_letters_has_an_alarm" {
  assert {
    condition     = toset([for each in aws_cloudwatch_metric_alarm.dead : each.dimensions.QueueName]) == toset([for each in aws_sqs_queue.dead : each.name])
    error_message = "A dead letter that nobody is told of."
  }

  assert {
    condition     = length(aws_cloudwatch_metric_alarm.function) == 2 * length(aws_lambda_function.this)
    error_message = "Errors or throttles of a function that nobody is told of."
  }

  assert {
    condition     = alltrue([for each in aws_cloudwatch_metric_alarm.function : length(each.alarm_actions) == 1])
    error_message = "An alarm that tells nobody."
  }
}

run "rds_is_private_and_its_password_is_in_no_state" {
  variables {
    private_network = true
    rds             = {}
    usd_per_day     = 20
    usd_per_month   = 100
    alarm_email     = "you@example.com"
  }

  assert {
    condition     = aws_db_instance.this[0].manage_master_user_password && aws_db_instance.this[0].password == null
    error_message = "The state would hold the password."
  }

  assert {
    condition     = !aws_db_instance.this[0].publicly_accessible && aws_db_instance.this[0].storage_encrypted
    error_message = "The database stands open."
  }

  assert {
    condition     = contains([for each in aws_db_parameter_group.this[0].parameter : each.value if each.name == "rds.force_ssl"], "1")
    error_message = "Connections without TLS would be taken."
  }

  assert {
    condition     = alltrue([for each in aws_lambda_function.this : length(each.vpc_config) == 1])
    error_message = "A function that cannot reach the database."
  }

  assert {
    condition = alltrue(flatten([
      for statements in values(local.statements) : [
        for each in statements : !contains(each.Resource, "*") || length(setsubtract(each.Action, [
          "xray:PutTraceSegments", "xray:PutTelemetryRecords", "ec2:CreateNetworkInterface",
          "ec2:DescribeNetworkInterfaces", "ec2:DeleteNetworkInterface",
        ])) == 0
      ]
    ]))
    error_message = "In a network a function may do more to everything than make its interfaces."
  }

  assert {
    condition     = alltrue([for each in local.statements["worker"] : contains(each.Action, "ec2:CreateNetworkInterface") if each.Sid == "WithoutResource"])
    error_message = "A function that cannot enter the network."
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.cost[0].threshold == 20 && aws_budgets_budget.month[0].limit_amount == "100"
    error_message = "The limits of money are not the owner's."
  }
}

run "without_a_console_nothing_is_public" {
  variables {
    console = false
  }

  assert {
    condition     = length(aws_lambda_function_url.console) == 0 && length(aws_lambda_function.this) == 3
    error_message = "The console is still there."
  }
}

run "standing_still" {
  variables {
    working = false
  }

  assert {
    condition     = !aws_lambda_event_source_mapping.hints.enabled && aws_scheduler_schedule.sweep.state == "DISABLED"
    error_message = "Something would still begin."
  }
}

run "a_short_visibility_is_refused" {
  command = plan
  variables {
    visibility_seconds = 5399
  }
  expect_failures = [var.visibility_seconds]
}

run "a_timeout_beyond_lambda_is_refused" {
  command = plan
  variables {
    worker_timeout     = 901
    visibility_seconds = 5406
  }
  expect_failures = [var.worker_timeout]
}

run "more_hints_than_workers_are_refused" {
  command = plan
  variables {
    workers          = 5
    workers_by_hints = 6
  }
  expect_failures = [var.workers_by_hints]
}

run "more_workers_than_connections_are_refused" {
  command = plan
  variables {
    workers = 13
  }
  expect_failures = [var.workers]
}

run "one_hint_at_once_is_refused_as_sqs_refuses_it" {
  command = plan
  variables {
    workers_by_hints = 1
  }
  expect_failures = [var.workers_by_hints]
}

run "a_run_time_without_our_c_library_is_refused" {
  command = plan
  variables {
    runtime = "python3.11"
  }
  expect_failures = [var.runtime]
}

run "a_cron_of_five_fields_is_refused" {
  command = plan
  variables {
    schedules = {
      night = { pipeline = "night", cron = "0 4 * * *", timezone = "UTC", expression = "cron(0 4 * * *)" }
    }
  }
  expect_failures = [var.schedules]
}

run "rds_without_a_private_network_is_refused" {
  command = plan
  variables {
    rds = {}
  }
  expect_failures = [var.rds]
}

run "two_networks_are_refused" {
  command = plan
  variables {
    private_network = true
    own_network     = { subnet_ids = ["subnet-1"], security_group_ids = ["sg-1"] }
  }
  expect_failures = [var.own_network]
}

run "a_log_kept_for_a_number_of_days_that_cloudwatch_does_not_know_is_refused" {
  command = plan
  variables {
    log_days = 31
  }
  expect_failures = [var.log_days]
}
