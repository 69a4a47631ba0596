{#- Rights of the read-only role. An external server may not have that role: then nothing is granted. -#}

{% macro analyst_role_exists() -%}
    {%- set found = run_query("select 1 from pg_roles where rolname = 'bank_sync_analyst'") -%}
    {{- return(found is not none and found.rows | length > 0) -}}
{%- endmacro %}

{% macro grant_schema_to_analyst() -%}
    {%- if execute and flags.WHICH in ("build", "run") and analyst_role_exists() -%}
        grant usage on schema {{ target.schema }} to bank_sync_analyst
    {%- endif -%}
{%- endmacro %}

{% macro grant_select_to_analyst(relation) -%}
    {%- if execute and analyst_role_exists() -%}
        grant select on {{ relation }} to bank_sync_analyst
    {%- endif -%}
{%- endmacro %}
