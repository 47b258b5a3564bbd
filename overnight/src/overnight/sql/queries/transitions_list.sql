select from_status, to_status, verb from transitions order by from_status, to_status
