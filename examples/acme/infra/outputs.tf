output "assets_bucket" {
  description = "Where the web shop puts its static files."
  value       = aws_s3_bucket.assets.bucket
}

output "database_address" {
  description = "The shop's database, inside the network."
  value       = aws_db_instance.shop.address
}
