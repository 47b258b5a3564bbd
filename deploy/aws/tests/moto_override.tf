# What moto does not do as AWS does. Copied beside the module by a test, and never applied to AWS.

resource "aws_lambda_event_source_mapping" "hints" {
  lifecycle {
    ignore_changes = [function_name] # it tells the function where AWS tells the alias
  }
}

resource "aws_sqs_queue" "hints" {
  lifecycle {
    ignore_changes = [redrive_policy] # it gives the JSON back with other white space
  }
}
