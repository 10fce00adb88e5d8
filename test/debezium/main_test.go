package debezium

import (
	"fmt"
	"os"
	"testing"

	"github.com/gx-etl/gx/test/e2e/harness"
)

// world has gx, the stand-in and a real Kafka: Connect needs more of one than the embedded one has.
var world harness.World

func TestMain(m *testing.M) {
	if os.Getenv("GX_TEST_KAFKA_HOME") == "" {
		fmt.Fprintln(os.Stderr, "debezium: GX_TEST_KAFKA_HOME must name the jars of a real Apache Kafka; scripts/debezium.sh sets it")
		os.Exit(1)
	}
	os.Exit(harness.Main(m, &world))
}

func kafka(t *testing.T) *harness.Broker {
	t.Helper()
	for _, b := range world.Brokers {
		if b.Name == "apache" {
			return b
		}
	}
	t.Fatal("the real Kafka is not here")
	return nil
}
