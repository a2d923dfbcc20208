variable "region" {
  description = "Where everything runs."
  type        = string
  default     = "eu-central-1"
}

variable "environment" {
  description = "prod or staging."
  type        = string
  default     = "prod"
}

variable "office_cidr" {
  description = "The only network that may reach the bastion."
  type        = string
  default     = "198.51.100.0/24"
}
