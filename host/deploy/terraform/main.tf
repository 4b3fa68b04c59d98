# The hosts: EC2 instances that may start enclaves, each with a volume for its state.

data "aws_ssm_parameter" "ami" {
  name = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"
}

data "aws_subnet" "host" {
  count = var.hosts
  id    = local.subnets[count.index]
}

locals {
  subnets = [for index in range(var.hosts) : element(var.subnet_ids, index)]
}

# Apart from the instance, so that a new instance finds the state of the one before.
resource "aws_ebs_volume" "state" {
  count             = var.hosts
  availability_zone = data.aws_subnet.host[count.index].availability_zone
  size              = var.state_gib
  type              = "gp3"
  encrypted         = true
  tags              = { Name = "${var.name}-${count.index + 1}-state" }
  lifecycle {
    prevent_destroy = true
  }
}

resource "aws_instance" "host" {
  count                  = var.hosts
  ami                    = data.aws_ssm_parameter.ami.value
  instance_type          = var.instance_type
  subnet_id              = local.subnets[count.index]
  vpc_security_group_ids = [aws_security_group.host.id]
  iam_instance_profile   = aws_iam_instance_profile.host.name

  enclave_options {
    enabled = true
  }

  metadata_options {
    http_endpoint               = "enabled"
    http_tokens                 = "required"
    http_put_response_hop_limit = 1
  }

  root_block_device {
    volume_type = "gp3"
    volume_size = 20
    encrypted   = true
  }

  # No secret is in it: whoever may describe the instance reads user data.
  user_data = templatefile("${path.module}/user-data.sh.tftpl", {
    region           = var.region
    artifacts_bucket = var.artifacts_bucket
    artifacts        = var.artifacts
    volume           = replace(aws_ebs_volume.state[count.index].id, "-", "")
    # Two enclaves during an upgrade.
    allocator_cpus   = 2 * var.enclave_cpus
    allocator_memory = 2 * var.enclave_memory_mib
    payload_key      = var.payload_key_secret_arn
    database_secret  = var.shared ? aws_db_instance.queue[0].master_user_secret[0].secret_arn : ""
    database_address = var.shared ? aws_db_instance.queue[0].address : ""
    unit             = file("${path.module}/../letsesign-host.service")
    sysusers         = file("${path.module}/../letsesign-host.sysusers")
    config = templatefile("${path.module}/host.toml.tftpl", {
      name        = "${var.name}-${count.index + 1}"
      cpus        = var.enclave_cpus
      memory      = var.enclave_memory_mib
      shared      = var.shared
      payload_key = var.payload_key_secret_arn != ""
      bucket      = var.shared ? aws_s3_bucket.payloads[0].id : ""
      region      = var.region
      listen      = var.monitoring_security_group_id == "" ? "127.0.0.1:9180" : "0.0.0.0:9180"
    })
  })

  tags = { Name = "${var.name}-${count.index + 1}" }

  lifecycle {
    # A newer AMI or another release must not replace a host that has jobs: drain it first.
    ignore_changes = [ami, user_data]
    precondition {
      condition     = var.hosts == 1 || var.shared
      error_message = "More than one host needs shared = true."
    }
  }
}

resource "aws_volume_attachment" "state" {
  count       = var.hosts
  device_name = "/dev/sdf"
  volume_id   = aws_ebs_volume.state[count.index].id
  instance_id = aws_instance.host[count.index].id
  # The file system is in order when the instance has stopped.
  stop_instance_before_detaching = true
}
