# Nothing on the Internet may connect to a host. What a host may reach is what the image may reach
# (enclave/configs/egress.toml), AWS's own services, and its database.

resource "aws_security_group" "host" {
  name        = "${var.name}-host"
  description = "Hosts of signing enclaves"
  vpc_id      = var.vpc_id
}

resource "aws_vpc_security_group_egress_rule" "https" {
  security_group_id = aws_security_group.host.id
  description       = "KMS, Twilio, SendGrid, S3, packages"
  cidr_ipv4         = "0.0.0.0/0"
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
}

resource "aws_vpc_security_group_egress_rule" "smtp" {
  security_group_id = aws_security_group.host.id
  description       = "SES, by STARTTLS"
  cidr_ipv4         = "0.0.0.0/0"
  ip_protocol       = "tcp"
  from_port         = 587
  to_port           = 587
}

resource "aws_vpc_security_group_egress_rule" "database" {
  count                        = var.shared ? 1 : 0
  security_group_id            = aws_security_group.host.id
  description                  = "The queue"
  referenced_security_group_id = aws_security_group.database[0].id
  ip_protocol                  = "tcp"
  from_port                    = 5432
  to_port                      = 5432
}

resource "aws_vpc_security_group_ingress_rule" "metrics" {
  count                        = var.monitoring_security_group_id == "" ? 0 : 1
  security_group_id            = aws_security_group.host.id
  description                  = "Prometheus"
  referenced_security_group_id = var.monitoring_security_group_id
  ip_protocol                  = "tcp"
  from_port                    = 9180
  to_port                      = 9180
}

resource "aws_security_group" "database" {
  count       = var.shared ? 1 : 0
  name        = "${var.name}-database"
  description = "The queue of signing hosts"
  vpc_id      = var.vpc_id
}

resource "aws_vpc_security_group_ingress_rule" "database" {
  count                        = var.shared ? 1 : 0
  security_group_id            = aws_security_group.database[0].id
  description                  = "Hosts"
  referenced_security_group_id = aws_security_group.host.id
  ip_protocol                  = "tcp"
  from_port                    = 5432
  to_port                      = 5432
}
