# What a host may do in AWS. Not kms:Decrypt under a sender's key: enclaves use the credentials that
# each job brings, and the key's own policy lets in listed images alone.

data "aws_partition" "current" {}

data "aws_iam_policy_document" "assume" {
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "Service"
      identifiers = ["ec2.amazonaws.com"]
    }
  }
}

data "aws_iam_policy_document" "host" {
  statement {
    sid     = "Artifacts"
    actions = ["s3:GetObject"]
    resources = [
      for file in [var.artifacts.host, var.artifacts.image, var.artifacts.release] :
      "arn:${data.aws_partition.current.partition}:s3:::${var.artifacts_bucket}/${file.key}"
    ]
  }

  dynamic "statement" {
    for_each = var.payload_key_secret_arn == "" ? [] : [var.payload_key_secret_arn]
    content {
      sid       = "PayloadKey"
      actions   = ["secretsmanager:GetSecretValue"]
      resources = [statement.value]
    }
  }

  dynamic "statement" {
    for_each = aws_db_instance.queue[*].master_user_secret[0].secret_arn
    content {
      sid       = "DatabasePassword"
      actions   = ["secretsmanager:GetSecretValue"]
      resources = [statement.value]
    }
  }

  dynamic "statement" {
    for_each = aws_s3_bucket.payloads[*].arn
    content {
      sid = "Payloads"
      actions = [
        "s3:AbortMultipartUpload",
        "s3:DeleteObject",
        "s3:GetObject",
        "s3:ListMultipartUploadParts",
        "s3:PutObject",
      ]
      resources = ["${statement.value}/host/*"]
    }
  }

  dynamic "statement" {
    for_each = aws_s3_bucket.payloads[*].arn
    content {
      sid       = "ListPayloads"
      actions   = ["s3:ListBucket"]
      resources = [statement.value]
      condition {
        test     = "StringLike"
        variable = "s3:prefix"
        values   = ["host", "host/*"]
      }
    }
  }
}

resource "aws_iam_role" "host" {
  name               = "${var.name}-host"
  assume_role_policy = data.aws_iam_policy_document.assume.json
}

resource "aws_iam_role_policy" "host" {
  name   = "host"
  role   = aws_iam_role.host.id
  policy = data.aws_iam_policy_document.host.json
}

resource "aws_iam_role_policy_attachment" "session_manager" {
  count      = var.session_manager ? 1 : 0
  role       = aws_iam_role.host.name
  policy_arn = "arn:${data.aws_partition.current.partition}:iam::aws:policy/AmazonSSMManagedInstanceCore"
}

resource "aws_iam_instance_profile" "host" {
  name = "${var.name}-host"
  role = aws_iam_role.host.name
}
