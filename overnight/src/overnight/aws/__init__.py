"""An app as four Lambda functions: a worker that SQS wakes, schedules and a sweep that Scheduler
wakes, a console.

The same ledger, the same steps: nothing of an app changes. What nobody keeps alive between two
invocations, such as watching over leases, is done by the sweep, once a minute.
"""
