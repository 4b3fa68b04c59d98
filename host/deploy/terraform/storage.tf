# The queue that several hosts share: payloads in S3, everything else in PostgreSQL.

resource "aws_s3_bucket" "payloads" {
  count         = var.shared ? 1 : 0
  bucket_prefix = "${var.name}-payloads-"
}

resource "aws_s3_bucket_public_access_block" "payloads" {
  count                   = var.shared ? 1 : 0
  bucket                  = aws_s3_bucket.payloads[0].id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_server_side_encryption_configuration" "payloads" {
  count  = var.shared ? 1 : 0
  bucket = aws_s3_bucket.payloads[0].id
  rule {
    # Beside the host's own encryption.
    apply_server_side_encryption_by_default {
      sse_algorithm = "AES256"
    }
  }
}

# Without versions: when a task ends, its payloads are gone for good.
resource "aws_s3_bucket_versioning" "payloads" {
  count  = var.shared ? 1 : 0
  bucket = aws_s3_bucket.payloads[0].id
  versioning_configuration {
    status = "Disabled"
  }
}

# The host removes what no job needs. Nothing else expires: a job may wait for a decision for long.
resource "aws_s3_bucket_lifecycle_configuration" "payloads" {
  count  = var.shared ? 1 : 0
  bucket = aws_s3_bucket.payloads[0].id
  rule {
    id     = "uploads-that-were-cut"
    status = "Enabled"
    filter {}
    abort_incomplete_multipart_upload {
      days_after_initiation = 1
    }
  }
}

data "aws_iam_policy_document" "payloads" {
  count = var.shared ? 1 : 0
  statement {
    sid       = "TlsOnly"
    effect    = "Deny"
    actions   = ["s3:*"]
    resources = [aws_s3_bucket.payloads[0].arn, "${aws_s3_bucket.payloads[0].arn}/*"]
    principals {
      type        = "*"
      identifiers = ["*"]
    }
    condition {
      test     = "Bool"
      variable = "aws:SecureTransport"
      values   = ["false"]
    }
  }
}

resource "aws_s3_bucket_policy" "payloads" {
  count      = var.shared ? 1 : 0
  bucket     = aws_s3_bucket.payloads[0].id
  policy     = data.aws_iam_policy_document.payloads[0].json
  depends_on = [aws_s3_bucket_public_access_block.payloads]
}

resource "aws_db_subnet_group" "queue" {
  count      = var.shared ? 1 : 0
  name       = "${var.name}-queue"
  subnet_ids = var.database_subnet_ids
}

# Multi-AZ of this kind (one instance, one standby) commits to the standby's storage before it
# acknowledges: a fail-over loses nothing that was acknowledged.
resource "aws_db_instance" "queue" {
  count                       = var.shared ? 1 : 0
  identifier                  = "${var.name}-queue"
  engine                      = "postgres"
  engine_version              = "16"
  instance_class              = var.database_class
  allocated_storage           = 50
  max_allocated_storage       = 500
  storage_type                = "gp3"
  storage_encrypted           = true
  multi_az                    = var.multi_az
  db_name                     = "letsesign"
  username                    = "letsesign"
  manage_master_user_password = true
  db_subnet_group_name        = aws_db_subnet_group.queue[0].name
  vpc_security_group_ids      = [aws_security_group.database[0].id]
  publicly_accessible         = false
  parameter_group_name        = aws_db_parameter_group.queue[0].name
  ca_cert_identifier          = "rds-ca-rsa2048-g1"
  backup_retention_period     = 14
  copy_tags_to_snapshot       = true
  deletion_protection         = true
  final_snapshot_identifier   = "${var.name}-queue-final"

  lifecycle {
    precondition {
      condition     = length(var.database_subnet_ids) >= 2
      error_message = "shared = true needs database_subnet_ids in at least two zones."
    }
    precondition {
      condition     = var.payload_key_secret_arn != ""
      error_message = "shared = true needs payload_key_secret_arn: all hosts have the same key."
    }
  }
}

resource "aws_db_parameter_group" "queue" {
  count       = var.shared ? 1 : 0
  name_prefix = "${var.name}-queue-"
  family      = "postgres16"
  parameter {
    name  = "rds.force_ssl"
    value = "1"
  }
  lifecycle {
    create_before_destroy = true
  }
}
