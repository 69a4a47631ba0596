{#- Everything lands in the schema of the profile (`analytics`), never in a schema with a suffix. -#}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {{ target.schema }}
{%- endmacro %}
