package ask

import (
	"encoding/json"
	"reflect"
	"strings"

	"tallyman/api/schema"
)

// decode reads JSON into a value of package schema. A number that the JSON does not have, as a tallyman of another version may leave
// it out, is unknown.
func decode(body []byte, into any) error {
	if err := json.Unmarshal(body, into); err != nil {
		return err
	}
	var document any
	if err := json.Unmarshal(body, &document); err != nil {
		return err
	}
	forget(reflect.ValueOf(into).Elem(), document)
	return nil
}

// forget makes the numbers unknown that are not in the document.
func forget(v reflect.Value, document any) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			forget(v.Elem(), document)
		}
	case reflect.Slice:
		list, _ := document.([]any)
		for i := range min(v.Len(), len(list)) {
			forget(v.Index(i), list[i])
		}
	case reflect.Struct:
		object, _ := document.(map[string]any)
		forgetFields(v, object)
	}
}

func forgetFields(v reflect.Value, object map[string]any) {
	unknown := reflect.ValueOf(schema.Unknown())
	for i := range v.NumField() {
		field := v.Type().Field(i)
		if !field.IsExported() {
			continue
		}
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		value, there := object[name]
		switch {
		case field.Anonymous && name == "":
			forget(v.Field(i), object)
		case field.Type == unknown.Type():
			if !there {
				v.Field(i).Set(unknown)
			}
		default:
			forget(v.Field(i), value)
		}
	}
}
