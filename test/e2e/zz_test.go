package e2e
import ("testing";"github.com/gx-etl/gx/test/e2e/harness";"syscall";"fmt")
func TestZZ(t *testing.T) {
	for i := range 3 {
	t.Run(fmt.Sprint(i), func(t *testing.T) {
	world.Each(t, func(t *testing.T, c *harness.Case) {
		
		c.CreateTopic(1)
		c.CreateTable("o BIGINT, id BIGINT", "")
		d := c.Streaming()
		d.Reader["column"] = []string{"__offset__","id"}
		d.Writer["column"] = []string{"o","id"}
		delete(d.Writer, "flushInterval"); delete(d.Reader, "sessionTimeoutMs")
		r := c.Start(d, "--log-level", "debug")
		c.Values(`{"id":0,"v":"row 0"}`)
		r.Until("the first row", func() bool { return c.Count() >= 1 })
		for i := 1; i <= 3; i++ {
			c.Values(fmt.Sprintf(`{"id":%d,"v":"row %[1]d"}`, i))
			r.Until("the row that was just sent", func() bool { return c.Count() > i })
			t.Log(c.Query("SELECT o, id FROM @t"), c.Broker.Committed(t, c.Group, c.Topic, 1))
		}
		r.Signal(syscall.SIGTERM)
		t.Log(r.Wait().Said())
	})
	})
	}
}
