# What an owner may choose. `contentstudio deploy aws --plan` writes what follows from the config into terraform.tfvars.json.

variable "name" {
  description = "Begins the name of everything that is made, so that two studios fit into one account."
  type        = string
  default     = "contentstudio"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,30}$", var.name))
    error_message = "name has 2 to 31 small letters, digits and hyphens, and begins with a letter."
  }
}

variable "region" {
  description = "The region, near the database."
  type        = string
  default     = "eu-central-1"

  validation {
    condition     = can(regex("^[a-z]{2,3}(-[a-z]+)+-[0-9]$", var.region))
    error_message = "region is written like eu-central-1."
  }
}

# --- The functions

variable "package" {
  description = "The zip that `make lambda` built."
  type        = string
  default     = "dist/contentstudio-x86_64.zip"
}

variable "architecture" {
  description = "What the zip was built for: x86_64, or arm64 (a fifth cheaper, and not tried by us)."
  type        = string
  default     = "x86_64"

  validation {
    condition     = contains(["x86_64", "arm64"], var.architecture)
    error_message = "architecture is x86_64 or arm64."
  }
}

variable "runtime" {
  description = "The run time that the zip was built for. Older ones have a C library that our wheels do not run on."
  type        = string
  default     = "python3.13"

  validation {
    condition     = contains(["python3.12", "python3.13", "python3.14"], var.runtime)
    error_message = "runtime is python3.12, python3.13 or python3.14: older ones run on Amazon Linux 2."
  }
}

variable "worker_memory" {
  description = "MB of a worker. Lambda gives CPU by memory: 1,769 MB are one core."
  type        = number
  default     = 1024

  validation {
    condition     = var.worker_memory >= 512 && var.worker_memory <= 10240
    error_message = "worker_memory is 512 to 10,240 MB: a worker that calls a model needs more than 256."
  }
}

variable "worker_timeout" {
  description = "Seconds that one invocation of a worker may take. A step whose time limit is longer never begins."
  type        = number
  default     = 900

  validation {
    condition     = var.worker_timeout >= 60 && var.worker_timeout <= 900
    error_message = "worker_timeout is 60 to 900 seconds: Lambda ends at 900."
  }
}

variable "visibility_seconds" {
  description = "Seconds for which a hint that was taken is hidden from other workers. AWS asks for six times the timeout."
  type        = number
  default     = 5400

  validation {
    condition     = var.visibility_seconds >= 6 * var.worker_timeout && var.visibility_seconds <= 43200
    error_message = "visibility_seconds is at least 6 x worker_timeout, and at most 43,200."
  }
}

variable "batch_size" {
  description = "Hints that one invocation is given at most."
  type        = number
  default     = 10

  validation {
    condition     = var.batch_size >= 1 && var.batch_size <= 10
    error_message = "batch_size is 1 to 10: more than that needs a window, and a hint must not wait."
  }
}

variable "log_days" {
  description = "Days for which logs are kept: one of the numbers that CloudWatch knows."
  type        = number
  default     = 30

  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400], var.log_days)
    error_message = "log_days is 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365 or 400."
  }
}

variable "working" {
  description = "Whether workers take hints and schedules fire. false: everything stands, and nothing begins."
  type        = bool
  default     = true
}

# --- How many at once: hints <= workers <= what Postgres has connections for

variable "postgres_connections" {
  description = "max_connections of the Postgres, or of your role in it."
  type        = number
  default     = 100

  validation {
    condition     = var.postgres_connections >= 30
    error_message = "postgres_connections is at least 30: two workers need 12, the other functions 15, a person 3."
  }
}

variable "connections_kept" {
  description = "Connections left to people, backups and other programs."
  type        = number
  default     = 10

  validation {
    condition     = var.connections_kept >= 3
    error_message = "connections_kept is at least 3: without one of their own nobody can look what is wrong."
  }
}

variable "workers" {
  description = "Workers at once: the reserved concurrency of the worker. Each one holds connections of its own."
  type        = number
  default     = 10

  validation {
    condition     = var.workers >= 2
    error_message = "workers is at least 2: SQS gives a function no fewer."
  }

  validation {
    condition = (
      var.workers * local.connections.worker + local.connections_beside + var.connections_kept
      <= var.postgres_connections
    )
    error_message = "workers x 6 + 15 for the other functions + connections_kept is more than postgres_connections."
  }
}

variable "workers_by_hints" {
  description = "Workers that SQS may start at once; no more than workers, or hints are refused and come back later."
  type        = number
  default     = 10

  validation {
    condition     = var.workers_by_hints >= 2 && var.workers_by_hints <= var.workers
    error_message = "workers_by_hints is at least 2 and at most workers."
  }
}

# --- The clock

variable "schedules" {
  description = "What the studio's config fires, as `contentstudio deploy aws --plan` writes it: each cron in AWS's words."
  type = map(object({
    pipeline   = string
    cron       = string
    timezone   = string
    expression = string
  }))
  default = {}

  validation {
    condition     = alltrue([for each in var.schedules : can(regex("^cron\\([^ ]+( [^ ]+){5}\\)$", each.expression))])
    error_message = "The expression of a schedule is cron(...) with six fields."
  }

  validation {
    condition     = alltrue([for name in keys(var.schedules) : can(regex("^[a-z0-9-]{1,32}$", name))])
    error_message = "The name of a schedule has 1 to 32 small letters, digits and hyphens."
  }
}

# --- Where the database is

variable "private_network" {
  description = "Make a network with private subnets and one NAT gateway (about $33 a month). RDS needs it."
  type        = bool
  default     = false
}

variable "own_network" {
  description = "Subnets and security groups of yours for the functions, from which the internet can be reached."
  type = object({
    subnet_ids         = list(string)
    security_group_ids = list(string)
  })
  default = null

  validation {
    condition     = var.own_network == null || !var.private_network
    error_message = "private_network makes a network, own_network names yours: choose one."
  }
}

variable "rds" {
  description = "Make a Postgres in the private network. null: any Postgres that is reached by TLS, for which nothing is made."
  type = object({
    instance_class = optional(string, "db.t4g.micro")
    version        = optional(string, "17")
    gigabytes      = optional(number, 20)
    two_zones      = optional(bool, false)
    backup_days    = optional(number, 7)
    keep_snapshot  = optional(bool, true)
  })
  default = null

  validation {
    condition     = var.rds == null || var.private_network
    error_message = "rds needs private_network = true: a database is not put on the internet."
  }

  validation {
    condition     = try(var.rds.backup_days, 1) >= 1
    error_message = "rds.backup_days is at least 1."
  }
}

# --- Who is told, and what it may cost

variable "alarm_email" {
  description = "Who is told by e-mail of alarms; AWS asks them to confirm. null: subscribe to the topic yourself."
  type        = string
  default     = null

  validation {
    condition     = var.alarm_email == null || can(regex("^[^@ ]+@[^@ ]+$", var.alarm_email))
    error_message = "alarm_email is an address."
  }
}

variable "oldest_hint_seconds" {
  description = "An alarm tells of a hint that waits longer than this."
  type        = number
  default     = 900

  validation {
    condition     = var.oldest_hint_seconds >= 60
    error_message = "oldest_hint_seconds is at least 60."
  }
}

variable "usd_per_day" {
  description = "An alarm tells when language models cost more than this in a day. null: none."
  type        = number
  default     = null

  validation {
    condition     = coalesce(var.usd_per_day, 1) > 0
    error_message = "usd_per_day is above 0."
  }
}

variable "usd_per_month" {
  description = "A budget tells at 80 % of this bill of AWS's for the account, and when it is forecast to pass it. null: none."
  type        = number
  default     = null

  validation {
    condition     = coalesce(var.usd_per_month, 1) > 0
    error_message = "usd_per_month is above 0."
  }
}

variable "console" {
  description = "Serve the console at a function URL. It asks for the password of the secret."
  type        = bool
  default     = true
}
