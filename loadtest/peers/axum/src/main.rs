//! What v1 is compared with: validates an order, stores it in PostgreSQL and replies 201 after the commit. Concurrent
//! requests share one INSERT and its commit. It does not count, publish, authenticate, limit, deduplicate or report.
use axum::extract::{State, rejection::JsonRejection};
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};
use std::{env, process, sync::Arc};
use tokio::io::AsyncReadExt;
use tokio::sync::{Mutex, mpsc, oneshot};
use tokio_postgres::{Client, NoTls, Statement};
use uuid::Uuid;

/// Statements that are under way at a time, each on a connection of its own, as v1 has by default.
const WRITES: usize = 2;
const GROUP_MAX_ORDERS: usize = 500;
const MAX_QUEUED_ORDERS: usize = 10_000;
const MAX_NAME_CHARACTERS: usize = 100;
const MAX_PRICE_CENTS: f64 = 1_000_000.0;

/// The table, its indexes and the statement of the laboratory's bare INSERT (loadtest/lab/measures/bare-postgres.ts).
const INSERT: &str = "
INSERT INTO orders (order_id, mode, store, drink, price_cents, event_time, accepted_at, fingerprint)
SELECT id, 'axum', store, drink, price_cents, moment, moment, decode(repeat('00', 16), 'hex')
FROM unnest($1::uuid[], $2::text[], $3::text[], $4::bigint[], $5::timestamptz[])
  AS row (id, store, drink, price_cents, moment)";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    drink: String,
    store: String,
    price: f64,
}

struct Order {
    id: Uuid,
    body: Body,
    cents: i64,
    moment: DateTime<Utc>,
}

#[derive(Serialize)]
struct Reply {
    id: Uuid,
    mode: &'static str,
    status: &'static str,
    drink: String,
    store: String,
    price: f64,
    timestamp: String,
}

/// Gets its order back once it is committed; closed when it is not.
type Queued = (Order, oneshot::Sender<Order>);
type Queue = Arc<Mutex<mpsc::Receiver<Queued>>>;

/// None unless the price has at most two decimals, as in shared/domain/order.ts.
fn cents_of(Body { drink, store, price }: &Body) -> Option<i64> {
    let is_name = |name: &str| (1..=MAX_NAME_CHARACTERS).contains(&name.chars().count());
    let cents = (price * 100.0).round();
    let is_price = cents / 100.0 == *price && (1.0..=MAX_PRICE_CENTS).contains(&cents);
    (is_name(drink) && is_name(store) && is_price).then_some(cents as i64)
}

async fn accept(
    State(queue): State<mpsc::Sender<Queued>>,
    body: Result<Json<Body>, JsonRejection>,
) -> Result<(StatusCode, Json<Reply>), StatusCode> {
    let Json(body) = body.map_err(|rejection| rejection.status())?;
    let cents = cents_of(&body).ok_or(StatusCode::UNPROCESSABLE_ENTITY)?;
    let order = Order { id: Uuid::now_v7(), body, cents, moment: Utc::now() };
    let (committed, stored) = oneshot::channel();
    queue.try_send((order, committed)).map_err(|_| StatusCode::SERVICE_UNAVAILABLE)?;
    let Order { id, body, moment, .. } = stored.await.map_err(|_| StatusCode::SERVICE_UNAVAILABLE)?;
    let Body { drink, store, price } = body;
    let timestamp = moment.to_rfc3339_opts(SecondsFormat::Millis, true);
    Ok((
        StatusCode::CREATED,
        Json(Reply { id, mode: "axum", status: "stored", drink, store, price, timestamp }),
    ))
}

/// Writes what is queued in one statement, then what was queued meanwhile.
async fn write_groups(queue: Queue, client: Client, insert: Statement) {
    loop {
        let mut group = Vec::with_capacity(GROUP_MAX_ORDERS);
        queue.lock().await.recv_many(&mut group, GROUP_MAX_ORDERS).await;
        let orders = || group.iter().map(|(order, _)| order);
        let ids: Vec<_> = orders().map(|order| order.id).collect();
        let stores: Vec<_> = orders().map(|order| &order.body.store).collect();
        let drinks: Vec<_> = orders().map(|order| &order.body.drink).collect();
        let cents: Vec<_> = orders().map(|order| order.cents).collect();
        let moments: Vec<_> = orders().map(|order| order.moment).collect();
        match client.execute(&insert, &[&ids, &stores, &drinks, &cents, &moments]).await {
            // a client that has closed its connection does not take the order back
            Ok(_) => group.into_iter().for_each(|(order, committed)| drop(committed.send(order))),
            Err(error) => eprintln!("INSERT failed, {} orders are not acknowledged: {error}", group.len()),
        }
        // the launcher starts it again
        if client.is_closed() {
            process::exit(1);
        }
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (sender, receiver) = mpsc::channel(MAX_QUEUED_ORDERS);
    let queue: Queue = Arc::new(Mutex::new(receiver));
    for _ in 0..WRITES {
        let (client, connection) = tokio_postgres::connect(&env::var("DATABASE_URL")?, NoTls).await?;
        tokio::spawn(connection);
        client.batch_execute("SET synchronous_commit = on").await?;
        let insert = client.prepare(INSERT).await?;
        tokio::spawn(write_groups(queue.clone(), client, insert));
    }
    let app = Router::new()
        .route("/api/axum/order", post(accept))
        .route("/readyz", get(|| async { r#"{"modes":{}}"# }))
        .with_state(sender);
    // the launcher's pipe: the program ends with it, however it ended
    tokio::spawn(async {
        let _ = tokio::io::stdin().read_to_end(&mut Vec::new()).await;
        process::exit(0);
    });
    let listener = tokio::net::TcpListener::bind(format!("127.0.0.1:{}", env::var("PORT")?)).await?;
    Ok(axum::serve(listener, app).await?)
}
