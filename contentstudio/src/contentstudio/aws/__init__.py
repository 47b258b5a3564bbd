"""contentstudio on AWS: the Lambda handlers, and the plan of what a deployment costs."""
