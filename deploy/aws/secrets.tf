# The secrets without their values, which would otherwise stand in the state: the owner puts them by the CLI.
# Each is one JSON object of environment variables; `database` has OVERNIGHT_DATABASE_URL alone, so that what only fires
# schedules never sees a key of a model or a site.

resource "aws_secretsmanager_secret" "this" {
  for_each = toset(["database", "keys"])

  name                    = "${var.name}/${each.key}"
  description             = each.key == "database" ? "OVERNIGHT_DATABASE_URL" : "Keys of models and sites, addresses of alerts, the console's password"
  recovery_window_in_days = 7
}
