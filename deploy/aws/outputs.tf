# Where to look, and what is left to do by hand.

output "dashboard" {
  description = "The page of CloudWatch."
  value       = "https://${var.region}.console.aws.amazon.com/cloudwatch/home?region=${var.region}#dashboards:name=${var.name}"
}

output "console" {
  description = "The studio's console; it asks for the password."
  value       = one(aws_lambda_function_url.console[*].function_url)
}

output "logs" {
  description = "The logs, to be followed with `aws logs tail NAME --follow`."
  value       = { for name, group in aws_cloudwatch_log_group.function : name => group.name }
}

output "queues" {
  description = "The queue of hints, and what could not be handled."
  value       = merge({ hints = aws_sqs_queue.hints.url }, { for name, queue in aws_sqs_queue.dead : "${name}-dead" => queue.url })
}

output "put_secrets" {
  description = "How the secrets get their values; each file is one JSON object of environment variables."
  value = [
    for secret in aws_secretsmanager_secret.this :
    "aws secretsmanager put-secret-value --region ${var.region} --secret-id ${secret.name} --secret-string file://${basename(secret.name)}.json"
  ]
}

output "open_console" {
  description = "To be run once: since October 2025 a function URL needs this permission too, which the provider cannot give."
  value = var.console ? join(" ", [
    "aws lambda add-permission --region ${var.region} --function-name ${var.name}-console --qualifier live",
    "--statement-id by-url --action lambda:InvokeFunction --principal '*' --invoked-via-function-url",
  ]) : null
}

output "database" {
  description = "The address of the RDS, and the secret in which RDS keeps its master's password."
  value = var.rds == null ? null : {
    endpoint = aws_db_instance.this[0].endpoint
    master   = aws_db_instance.this[0].master_user_secret[0].secret_arn
  }
}

output "alarms" {
  description = "The topic of the alarms, to subscribe to."
  value       = aws_sns_topic.alarms.arn
}

output "functions" {
  description = "The functions by what they are for: name, and the hash of the zip that is deployed."
  value = {
    for name, function in aws_lambda_function.this : name => {
      name        = function.function_name
      version     = function.version
      code_sha256 = function.source_code_hash
    }
  }
}

output "connections" {
  description = "The most connections to Postgres that all functions together can hold."
  value       = sum([for name, each in local.functions : each.at_once * local.connections[name]])
}
