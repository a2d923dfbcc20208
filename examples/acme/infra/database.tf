resource "aws_kms_key" "data" {
  description         = "Customer data at rest"
  enable_key_rotation = true
}

resource "aws_db_instance" "shop" {
  identifier              = "shop"
  engine                  = "postgres"
  engine_version          = "16.4"
  instance_class          = "db.t4g.medium"
  allocated_storage       = 100
  storage_encrypted       = true
  kms_key_id              = aws_kms_key.data.arn
  backup_retention_period = 14
  deletion_protection     = true
}

resource "aws_ebs_volume" "search" {
  availability_zone = "eu-central-1a"
  size              = 200
  type              = "gp3"
  encrypted         = true
  kms_key_id        = aws_kms_key.data.arn
}
