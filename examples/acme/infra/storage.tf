# Buckets of the data platform. Every bucket is private, versioned and encrypted.

resource "aws_s3_bucket" "assets" {
  bucket = "acme-web-assets"

  tags = {
    purpose = "static files of the web shop"
  }
}

resource "aws_s3_bucket_versioning" "assets" {
  bucket = aws_s3_bucket.assets.id

  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "assets" {
  bucket = aws_s3_bucket.assets.id

  rule {
    apply_server_side_encryption_by_default {
      sse_algorithm = "AES256"
    }
  }
}

resource "aws_s3_bucket" "exports" {
  bucket = "acme-customer-exports"

  tags = {
    purpose = "nightly exports for the finance team"
  }
}

resource "aws_s3_bucket_versioning" "exports" {
  bucket = aws_s3_bucket.exports.id

  versioning_configuration {
    status = "Enabled"
  }
}
