# Hints that something may be due. The ledger decides: a hint that is lost or comes twice costs time and nothing else.

resource "aws_sqs_queue" "hints" {
  name                       = "${var.name}-hints"
  visibility_timeout_seconds = var.visibility_seconds
  message_retention_seconds  = 345600 # 4 days; the sweep hints anew each minute at what is due
  receive_wait_time_seconds  = 20
  sqs_managed_sse_enabled    = true

  redrive_policy = jsonencode({
    deadLetterTargetArn = aws_sqs_queue.dead["hints"].arn
    maxReceiveCount     = 5 # fewer, and a throttled start would count as a poisonous hint
  })
}

# What could not be handled, kept for as long as SQS can: hints, and invocations of the clock.
resource "aws_sqs_queue" "dead" {
  for_each = toset(["hints", "clock"])

  name                      = "${var.name}-${each.key}-dead"
  message_retention_seconds = 1209600 # 14 days
  sqs_managed_sse_enabled   = true
}

resource "aws_lambda_event_source_mapping" "hints" {
  event_source_arn        = aws_sqs_queue.hints.arn
  function_name           = aws_lambda_alias.live["worker"].arn
  batch_size              = var.batch_size
  function_response_types = ["ReportBatchItemFailures"]
  enabled                 = var.working

  scaling_config {
    maximum_concurrency = var.workers_by_hints
  }
}
