/** What the board of the earlier Python system asks for. It keeps drawing: these metrics keep their names and labels. */
export const EARLIER_SYSTEM: readonly string[] = [
  "sum(rate(http_requests_total[$__rate_interval]))",
  "sum by (endpoint) (rate(http_requests_total[$__rate_interval]))",
  'sum by (status_code) (rate(http_requests_total{method="POST"}[$__rate_interval]))',
  "histogram_quantile(0.5, sum by (le) (rate(http_request_duration_seconds_bucket[$__rate_interval])))",
  "histogram_quantile(0.95, sum by (le, endpoint) (rate(http_request_duration_seconds_bucket[$__rate_interval])))",
  "histogram_quantile(0.99, sum by (le) (rate(http_request_duration_seconds_bucket[$__rate_interval])))",
  "sum by (drink) (rate(orders_created_total[$__rate_interval]))",
  "sum by (store) (rate(orders_created_total[$__rate_interval]))",
  "sum by (version) (rate(orders_created_total[$__rate_interval]))",
  "sum by (store) (rate(order_value_total[$__rate_interval]))",
  "sum(increase(order_value_total[$__rate_interval]))",
];
