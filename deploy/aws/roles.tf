# A role for each function, which may do what that function does. A test holds every * against a list with reasons.

locals {
  secrets_of = {
    worker   = ["database", "keys"]
    schedule = ["database"]
    sweep    = ["database", "keys"] # it tells people of alerts
    console  = ["database", "keys"] # its password
  }

  # Traces have no resource, and the network's interfaces have no name yet when they are made.
  without_resource = concat(
    ["xray:PutTraceSegments", "xray:PutTelemetryRecords"],
    length(local.subnet_ids) > 0
    ? ["ec2:CreateNetworkInterface", "ec2:DescribeNetworkInterfaces", "ec2:DeleteNetworkInterface"]
    : [],
  )

  statements = {
    for name in keys(local.functions) : name => concat(
      [
        {
          Sid      = "Log"
          Effect   = "Allow"
          Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
          Resource = ["${aws_cloudwatch_log_group.function[name].arn}:*"]
        },
        {
          Sid      = "WithoutResource"
          Effect   = "Allow"
          Action   = local.without_resource
          Resource = ["*"]
        },
        {
          Sid      = "Secrets"
          Effect   = "Allow"
          Action   = ["secretsmanager:GetSecretValue"]
          Resource = [for secret in local.secrets_of[name] : aws_secretsmanager_secret.this[secret].arn]
        },
        {
          Sid    = "Hints"
          Effect = "Allow"
          Action = concat(
            ["sqs:SendMessage"],
            name == "worker" || name == "sweep" ? ["sqs:GetQueueAttributes"] : [], # how many wait already
            name == "worker" ? ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:ChangeMessageVisibility"] : [],
          )
          Resource = [aws_sqs_queue.hints.arn]
        },
      ],
      name != "schedule" ? [] : [
        {
          Sid      = "Failures"
          Effect   = "Allow"
          Action   = ["sqs:SendMessage"]
          Resource = [aws_sqs_queue.dead["clock"].arn]
        },
      ],
    )
  }
}

resource "aws_iam_role" "function" {
  for_each = local.functions

  name = "${var.name}-${each.key}"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "lambda.amazonaws.com" }
    }]
  })
}

resource "aws_iam_role_policy" "function" {
  for_each = local.functions

  name   = "what-it-does"
  role   = aws_iam_role.function[each.key].id
  policy = jsonencode({ Version = "2012-10-17", Statement = local.statements[each.key] })
}

# What Scheduler does as: invoke two functions, and keep what it could not deliver.
resource "aws_iam_role" "clock" {
  name = "${var.name}-clock"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "scheduler.amazonaws.com" }
      Condition = { StringEquals = { "aws:SourceAccount" = data.aws_caller_identity.this.account_id } }
    }]
  })
}

resource "aws_iam_role_policy" "clock" {
  name = "what-it-does"
  role = aws_iam_role.clock.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid      = "Invoke"
        Effect   = "Allow"
        Action   = ["lambda:InvokeFunction"]
        Resource = [for name in ["schedule", "sweep"] : aws_lambda_alias.live[name].arn]
      },
      {
        Sid      = "Failures"
        Effect   = "Allow"
        Action   = ["sqs:SendMessage"]
        Resource = [aws_sqs_queue.dead["clock"].arn]
      },
    ]
  })
}
