terraform {
  required_version = ">= 1.9" # a variable's validation looks at other variables

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 5.80"
    }
  }
}

provider "aws" {
  region = var.region

  default_tags {
    tags = { app = var.name }
  }
}

data "aws_caller_identity" "this" {}
