// Package e2e runs the real gx with real plugin processes against real protocols, once per broker: the embedded Kafka of
// gx-sandbox and, when GX_TEST_KAFKA_HOME names its jars, an Apache Kafka. StarRocks is the stand-in of gx-sandbox.
package e2e

import (
	"os"
	"testing"

	"github.com/gx-etl/gx/test/e2e/harness"
)

var world harness.World

func TestMain(m *testing.M) { os.Exit(harness.Main(m, &world)) }
