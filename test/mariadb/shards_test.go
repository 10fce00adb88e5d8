package mariadb

import (
	"testing"

	"github.com/gx-etl/gx/job/options"
	"github.com/gx-etl/gx/plugins/sdk"
	"github.com/gx-etl/gx/plugins/sdk/sdktest"
	"github.com/gx-etl/gx/test/sqlreader/cases"
	"pgregory.net/rapid"
)

func configure(t *testing.T, r sdk.Reader, text string) {
	t.Helper()
	v, problems := options.Parse([]byte(text))
	if problems = append(problems, options.Decode(v, "", r.Config())...); options.Failed(problems) {
		t.Fatal(problems)
	}
}

// kinds are the types that a table can be cut by, texts under collations that see case, accents, blanks at the end and some
// characters each in their own way, and a few that cannot.
var kinds = []cases.Kind{
	{Type: "TINYINT", Values: cases.Whole(-128, 127)},
	{Type: "TINYINT UNSIGNED", Values: cases.Whole(0, 255)},
	{Type: "INT", Values: cases.Whole(-1<<31, 1<<31-1)},
	{Type: "BIGINT", Values: rapid.OneOf(cases.Whole(-1<<63, 1<<63-1), cases.Whole(1000, 1100))},
	{Type: "BIGINT UNSIGNED", Values: rapid.OneOf(cases.Whole(0, 1<<63-1), rapid.SampledFrom([]string{"9223372036854775808", "18446744073709551615"}))},
	{Type: "YEAR", Values: cases.Whole(1901, 2155)},
	{Type: "DECIMAL(20,4)", Values: cases.Decimals},
	{Type: "DECIMAL(65,30)", Values: rapid.SampledFrom([]string{"-99999999999999999999999999999999999.999999999999999999999999999999", "0.000000000000000000000000000001", "0", "7", "12345678901234567890123456789012345.5"})},
	{Type: "DATE", Values: cases.Dates(1000)},
	{Type: "DATETIME(6)", Values: cases.Instants(1000, 1969, 1970, 2024, 9999)},
	{Type: "DATETIME", Values: cases.Instants(1969, 2024)},
	{Type: "TIMESTAMP(6)", Values: cases.Instants(1971, 2001, 2024, 2037)},
	{Type: "VARCHAR(200) COLLATE utf8mb4_bin", Values: cases.Texts},
	{Type: "VARCHAR(200) COLLATE utf8mb4_general_ci", Values: cases.Texts},
	{Type: "VARCHAR(200) COLLATE utf8mb4_unicode_ci", Values: cases.Texts},
	{Type: "VARCHAR(200) COLLATE utf8mb4_unicode_520_nopad_ci", Values: cases.Texts},
	{Type: "VARCHAR(200) COLLATE utf8mb4_uca1400_ai_ci", Values: cases.Texts},
	{Type: "VARCHAR(200) COLLATE utf8mb4_uca1400_as_cs", Values: cases.Texts},
	{Type: "VARCHAR(200) COLLATE utf8mb4_swedish_ci", Values: cases.Texts},
	{Type: "CHAR(50) COLLATE utf8mb4_spanish2_ci", Values: cases.Texts},
	{Type: "VARCHAR(200) CHARACTER SET utf16", Values: cases.Texts},
	{Type: "VARCHAR(50) CHARACTER SET latin1", Values: rapid.StringMatching(`'[aAäÄéÉßzZ -]{0,5}'`)},
	{Type: "VARCHAR(50) CHARACTER SET utf8mb3", Values: rapid.StringMatching(`'[aAäÄéÉ漢字あ -]{0,5}'`)},
	{Type: "VARCHAR(50) CHARACTER SET sjis", Values: rapid.StringMatching(`'[aAzZ漢字あ表 -]{0,5}'`)},
	{Type: "VARCHAR(50) CHARACTER SET koi8r", Values: rapid.StringMatching(`'[aAzZжЖяЯ -]{0,5}'`)},
	{Type: "TEXT", Values: cases.Texts},
	{Type: "VARBINARY(20)", Values: rapid.SampledFrom([]string{"X'00'", "X'FF80'", "''"})},
	{Type: "ENUM('b','a','')", Values: rapid.SampledFrom([]string{"'a'", "'b'", "''"})},
	{Type: "DOUBLE", Values: cases.Small},
}

// Random tables, conditions and numbers of shards on the real server: the shards together hold every row of the table once.
func TestShardsHoldEveryRowOnce(t *testing.T) {
	s := cases.Server{DB: admin, Kinds: kinds, Readers: map[string]sdk.Plugin{"mysql": reader},
		Parameters: func(more string) string { return parameters("", more) }, Tail: "ENGINE = MyISAM"} // InnoDB syncs for each table
	s.EveryRowOnce(t, cases.Count(t, 10_000))
}

func TestConformance(t *testing.T) {
	execute(t, `DROP TABLE IF EXISTS orders; CREATE TABLE orders (id BIGINT NULL, item VARCHAR(40), price DECIMAL(10,2), at DATETIME(6));
		INSERT INTO orders SELECT seq, CONCAT('item ', seq), seq + 0.25, '2024-01-02' + INTERVAL seq SECOND FROM seq_1_to_300; INSERT INTO orders (item) VALUES ('no id')`)
	sdktest.Reader(t, sdktest.ReaderCase{
		Plugin:     reader,
		Parameters: parameters("", `, "table": "orders", "column": ["id", "item", "upper(item) AS loud", "price", "at", "7"], "where": "id > 100 or id is null", "splitPk": "id"`),
		Rows:       201,
	})
}

// Between bounds that are no years a YEAR is a number, and not the year that the bound would be taken for.
func TestYearsCutTables(t *testing.T) {
	execute(t, `DROP TABLE IF EXISTS years; CREATE TABLE years (y YEAR NOT NULL);
		INSERT INTO years VALUES ('0000'); INSERT INTO years SELECT seq FROM seq_1901_to_2155`)
	sdktest.Reader(t, sdktest.ReaderCase{Plugin: reader, Parameters: parameters("", `, "table": "years", "column": ["y"], "splitPk": "y", "splitFactor": 20`), Rows: 256})
}
