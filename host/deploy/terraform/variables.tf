variable "name" {
  description = "Begins the names of all resources."
  type        = string
  default     = "letsesign"
  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,20}$", var.name))
    error_message = "name must have 2 to 21 lower-case letters, digits and hyphens."
  }
}

variable "region" {
  description = "Region of everything. The image reaches KMS and SES in us-east-1 alone."
  type        = string
  default     = "us-east-1"
}

variable "vpc_id" {
  description = "The VPC."
  type        = string
}

variable "subnet_ids" {
  description = "Subnets with a way to the Internet (NAT), one for each host in turn."
  type        = list(string)
  validation {
    condition     = length(var.subnet_ids) > 0
    error_message = "subnet_ids must name at least one subnet."
  }
}

variable "hosts" {
  description = "Number of hosts. More than one needs shared = true."
  type        = number
  default     = 1
  validation {
    condition     = var.hosts >= 1 && var.hosts <= 32
    error_message = "hosts must be 1 to 32."
  }
}

variable "instance_type" {
  description = "x86_64 with enclaves and, for an upgrade, CPUs for two of them beside its own."
  type        = string
  default     = "c6i.2xlarge"
}

variable "enclave_cpus" {
  description = "Virtual CPUs of the enclave: whole cores, so an even number."
  type        = number
  default     = 2
  validation {
    condition     = var.enclave_cpus >= 2 && var.enclave_cpus % 2 == 0
    error_message = "enclave_cpus must be even and at least 2."
  }
}

variable "enclave_memory_mib" {
  description = "Memory of the enclave in MiB."
  type        = number
  default     = 1024
  validation {
    condition     = var.enclave_memory_mib >= 512
    error_message = "enclave_memory_mib must be at least 512, for one job at a time."
  }
}

variable "artifacts_bucket" {
  description = "Bucket with the files of `artifacts`."
  type        = string
}

variable "artifacts" {
  description = "The files that a host installs: their keys in the bucket, and their SHA-256."
  type = object({
    host    = object({ key = string, sha256 = string })
    image   = object({ key = string, sha256 = string })
    release = object({ key = string, sha256 = string })
  })
  validation {
    condition = alltrue([
      for file in [var.artifacts.host, var.artifacts.image, var.artifacts.release] :
      can(regex("^[0-9a-f]{64}$", file.sha256)) && can(regex("^[A-Za-z0-9._/-]+$", file.key))
    ])
    error_message = "Each key has letters, digits and ._/- only, each sha256 64 hexadecimal digits."
  }
}

variable "shared" {
  description = "Whether the queue is PostgreSQL and S3, which several hosts share."
  type        = bool
  default     = false
}

variable "payload_key_secret_arn" {
  description = "Secret of Secrets Manager with the 32 bytes that encrypt payloads; README.md."
  type        = string
  default     = ""
}

variable "database_subnet_ids" {
  description = "With shared: at least two subnets in different zones."
  type        = list(string)
  default     = []
}

variable "database_class" {
  description = "With shared: the database's size."
  type        = string
  default     = "db.t4g.medium"
}

variable "multi_az" {
  description = "With shared: a synchronous replica in another zone, so that no zone's loss loses jobs."
  type        = bool
  default     = true
}

variable "state_gib" {
  description = "Size of each host's state volume. Without shared it holds the payloads."
  type        = number
  default     = 50
}

variable "monitoring_security_group_id" {
  description = "Security group of Prometheus, which may read port 9180. Empty: nobody may."
  type        = string
  default     = ""
}

variable "session_manager" {
  description = "Whether AWS Session Manager may open shells on the hosts. There is no SSH."
  type        = bool
  default     = true
}
