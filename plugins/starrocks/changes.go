package starrocks

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gx-etl/gx/plugins/protocol"
	"github.com/gx-etl/gx/plugins/sdk"
)

// models are the values of tableModel.
var models = map[string]string{"primary": modelPrimary, "unique": modelUnique, "aggregate": modelAggregate, "duplicate": modelDuplicate}

// model settles the model of a table: what the table says, or else the job.
func (s *settings) model(t *target) error {
	said := models[s.tableModel]
	switch {
	case said == "" || said == t.model:
	case t.model != "":
		return protocol.Faultf(protocol.Config, "tableModel is %s, and table %s.%s is %s", s.tableModel, t.database, t.table, t.model).
			At("tableModel").Hint("leave it out")
	default:
		t.model = said
	}
	return nil
}

// describe tells a reader what is known of the columns: their types, and which of them are the primary key.
func (t *target) describe(p *sdk.Peer) {
	for _, name := range t.known {
		if t.keys[strings.ToLower(name)] {
			p.Keys = append(p.Keys, name) // also one that no row can fill: the reader says so
		}
	}
	if t.types == nil {
		return
	}
	for _, name := range p.Columns {
		p.ColumnTypes = append(p.ColumnTypes, t.types[strings.ToLower(name)])
	}
}

// operations tells a reader what becomes of operations. A job with several tables knows their models when it meets them.
func (s *settings) operations(t *target, p *sdk.Peer) {
	name := fmt.Sprintf("table %s.%s", t.database, t.table)
	switch several := s.table == ""; {
	case s.props.setsOp:
		p.NoOperations = "loadProps.columns sets __op by itself"
	case s.props.columns != nil && !slices.Contains(t.sources, opColumn):
		p.NoOperations = "loadProps.columns does not list __op"
	case t.model == modelPrimary, several && s.tableModel == "", several && models[s.tableModel] == modelPrimary:
		p.Operations = sdk.OperationsApplied
	case several:
		p.NoOperations = "the tables are " + models[s.tableModel]
	case t.model == "" && slices.Contains(t.sources, opColumn):
		p.Operations = sdk.OperationsApplied // the job knows that the table takes it
	case t.model == "":
		p.Operations, p.NoOperations = sdk.OperationsUnknown, "the model of "+name+" is not known: give jdbcUrl, or tableModel"
	default:
		p.NoOperations = name + " is " + t.model
	}
}
