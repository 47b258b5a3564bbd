# One page of CloudWatch: is anything waiting, is anything failing, how many at once, what does it cost.

locals {
  of_lambda = {
    for metric in ["Invocations", "Errors", "Throttles", "Duration", "ConcurrentExecutions"] : metric => [
      for name in keys(local.functions) : ["AWS/Lambda", metric, "FunctionName", "${var.name}-${name}"]
    ]
  }

  widgets = [
    {
      title = "Hints: how many wait, and how long"
      stat  = "Maximum"
      metrics = [
        ["AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", aws_sqs_queue.hints.name],
        ["AWS/SQS", "ApproximateAgeOfOldestMessage", "QueueName", aws_sqs_queue.hints.name, { yAxis = "right" }],
      ]
    },
    {
      title = "Dead letters of SQS and the clock"
      stat  = "Maximum"
      metrics = [
        for queue in aws_sqs_queue.dead : ["AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", queue.name]
      ]
    },
    { title = "Errors and throttles", stat = "Sum", metrics = concat(local.of_lambda.Errors, local.of_lambda.Throttles) },
    { title = "At once", stat = "Maximum", metrics = local.of_lambda.ConcurrentExecutions },
    { title = "Invocations", stat = "Sum", metrics = local.of_lambda.Invocations },
    { title = "Duration in ms", stat = "p95", metrics = local.of_lambda.Duration },
    {
      title = "Dollars for language models, by step"
      stat  = "Sum"
      metrics = [[{
        expression = "SEARCH('{overnight,app,pipeline,step} MetricName=\"cost_usd\" app=\"contentstudio\"', 'Sum', 300)"
      }]]
    },
    {
      title   = "The ledger: what could start, and the age of its oldest in seconds"
      stat    = "Maximum"
      metrics = [for name in ["depth", "oldest_due_seconds"] : ["overnight", name, "app", "contentstudio"]]
    },
  ]
}

resource "aws_cloudwatch_dashboard" "this" {
  dashboard_name = var.name
  dashboard_body = jsonencode({
    widgets = [
      for index, each in local.widgets : {
        type   = "metric"
        x      = index % 2 * 12
        y      = floor(index / 2) * 6
        width  = 12
        height = 6
        properties = {
          title   = each.title
          stat    = each.stat
          metrics = each.metrics
          region  = var.region
          period  = 300
        }
      }
    ]
  })
}
