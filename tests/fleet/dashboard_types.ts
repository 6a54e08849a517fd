// What Grafana's published schema says of a dashboard. The test adds each dashboard of
// conf/dashboards as a constant of type Plain<Board>, and tsc judges.
import type * as schema from '@grafana/schema';
import type * as timeseries from '@grafana/schema/dist/esm/raw/composable/timeseries/panelcfg/x/TimeSeriesPanelCfg_types.gen';
import type * as stat from '@grafana/schema/dist/esm/raw/composable/stat/panelcfg/x/StatPanelCfg_types.gen';
import type * as table from '@grafana/schema/dist/esm/raw/composable/table/panelcfg/x/TablePanelCfg_types.gen';

// As JSON has it: an enumeration's words instead of its names.
type Plain<T> = T extends string ? `${T}`
  : T extends (infer Element)[] ? Plain<Element>[]
  : T extends object ? { [Key in keyof T]: Plain<T[Key]> }
  : T;

// The schema leaves open what options a type of panel has; its own files say it.
type Typed<Type extends string, Options, Custom> = Omit<schema.Panel, 'type' | 'options' | 'fieldConfig'> & {
  type: Type;
  options: Options;
  fieldConfig: { defaults: schema.FieldConfig & { custom?: Partial<Custom> }; overrides: never[] };
};
type Panel =
  | Typed<'timeseries', timeseries.Options, timeseries.FieldConfig>
  | Typed<'stat', stat.Options, Record<string, never>>
  | Typed<'table', table.Options, table.FieldConfig>;
type Board = Omit<schema.Dashboard, 'panels'> & { panels: (Panel | schema.RowPanel)[] };
