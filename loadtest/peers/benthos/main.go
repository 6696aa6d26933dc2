// What v3 is compared with: the Benthos engine takes an order over HTTP, validates it, writes it to Kafka (acks of all
// in-sync replicas, idempotent producer) and replies after the acknowledgement. It does not count, publish,
// authenticate, limit, deduplicate or report.
package main

import (
	"context"
	_ "embed"
	"errors"
	"io"
	"log"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync/atomic"

	_ "github.com/redpanda-data/benthos/v4/public/components/io"
	_ "github.com/redpanda-data/benthos/v4/public/components/pure"
	"github.com/redpanda-data/benthos/v4/public/service"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// As v3 creates its topic (shared/modes/kafka/mode.ts).
const (
	partitions = 6
	replicas   = 1
)

// Concurrent orders share a record batch: 20 000/s instead of 16 000 with each order written alone.
var batches = service.BatchPolicy{Count: 32, Period: "1ms"}

const batchesInFlight = 16

//go:embed stream.yaml
var stream string

var isReady atomic.Bool

// The engine has no output for Kafka: this one is written after Redpanda Connect's, which uses the same client.
type topic struct {
	name   string
	client *kgo.Client
}

// Creates the topic if it is missing. The engine repeats it until every partition has a leader.
func (t *topic) Connect(ctx context.Context) error {
	create := kmsg.NewPtrCreateTopicsRequest()
	created := kmsg.NewCreateTopicsRequestTopic()
	created.Topic, created.NumPartitions, created.ReplicationFactor = t.name, partitions, replicas
	create.Topics = append(create.Topics, created)
	if _, err := create.RequestWith(ctx, t.client); err != nil {
		return err
	}
	describe := kmsg.NewPtrMetadataRequest()
	described := kmsg.NewMetadataRequestTopic()
	described.Topic = &t.name
	describe.Topics = append(describe.Topics, described)
	response, err := describe.RequestWith(ctx, t.client)
	if err != nil {
		return err
	}
	found := response.Topics[0].Partitions
	isLeaderless := func(each kmsg.MetadataResponseTopicPartition) bool { return each.Leader < 0 }
	if len(found) != partitions || slices.ContainsFunc(found, isLeaderless) {
		return errors.New("a partition has no leader yet")
	}
	isReady.Store(true)
	return nil
}

func (t *topic) WriteBatch(ctx context.Context, batch service.MessageBatch) error {
	records := make([]*kgo.Record, len(batch))
	for i, message := range batch {
		value, err := message.AsBytes()
		if err != nil {
			return err
		}
		records[i] = &kgo.Record{Topic: t.name, Value: value}
	}
	return t.client.ProduceSync(ctx, records...).FirstErr()
}

func (t *topic) Close(context.Context) error {
	t.client.Close()
	return nil
}

func openTopic(*service.ParsedConfig, *service.Resources) (service.BatchOutput, service.BatchPolicy, int, error) {
	client, err := kgo.NewClient(
		kgo.SeedBrokers(strings.Split(os.Getenv("KAFKA_BROKERS"), ",")...),
		// an idempotent producer is the client's default
		kgo.RequiredAcks(kgo.AllISRAcks()),
		kgo.ProducerLinger(0),
	)
	return &topic{os.Getenv("V3_TOPIC"), client}, batches, batchesInFlight, err
}

func main() {
	service.MustRegisterBatchOutput("topic", service.NewConfigSpec(), openTopic)
	routes := http.NewServeMux()
	routes.HandleFunc("/readyz", func(reply http.ResponseWriter, _ *http.Request) {
		if !isReady.Load() {
			http.Error(reply, "connecting to Kafka", http.StatusServiceUnavailable)
			return
		}
		_, _ = io.WriteString(reply, `{"modes":{}}`)
	})
	builder := service.NewStreamBuilder()
	builder.SetHTTPMux(routes)
	if err := builder.SetYAML(stream); err != nil {
		log.Fatal(err)
	}
	running, err := builder.Build()
	if err != nil {
		log.Fatal(err)
	}
	go func() { log.Fatal(running.Run(context.Background())) }()
	go func() { log.Fatal(http.ListenAndServe("127.0.0.1:"+os.Getenv("PORT"), routes)) }()
	// the launcher's pipe: the program ends with it, however it ended
	_, _ = io.Copy(io.Discard, os.Stdin)
}
