output "instance_ids" {
  description = "The hosts: `aws ssm start-session --target ID` opens a shell."
  value       = aws_instance.host[*].id
}

output "private_ips" {
  description = "Targets for Prometheus, port 9180."
  value       = aws_instance.host[*].private_ip
}

output "payloads_bucket" {
  description = "The bucket of payloads, with shared."
  value       = one(aws_s3_bucket.payloads[*].id)
}

output "database" {
  description = "The database's address, with shared."
  value       = one(aws_db_instance.queue[*].address)
}
