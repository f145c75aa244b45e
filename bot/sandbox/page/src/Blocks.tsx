import { Button } from "./Button";
import { Link, Mrkdwn } from "./mrkdwn";
import type { Block, ImageElement, Names, PlanBlock, Press, SectionBlock, TextObject, Unfurl } from "./types";

interface Props {
  blocks: Block[];
  names: Names;
  press: Press;
}

/**
 * Renders the kinds of blocks that Splatbot sends. Keys are places, so that an edit changes what
 * changed and nothing flickers.
 *
 * Not with slack-blocks-to-jsx 1.1.1: its buttons and inputs tell nobody of a press, its emoji need
 * an emoji font, it repeats one element id for every message, and the page weighed 1.2 MB with it
 * against 0.25 MB without.
 */
export function Blocks({ blocks, names, press }: Props) {
  return (
    <>
      {blocks.map((block, place) => <OneBlock key={place} block={block} names={names} press={press} />)}
    </>
  );
}

function OneBlock({ block, names, press }: { block: Block; names: Names; press: Press }) {
  switch (block.type) {
    case "header":
      return <h3>{block.text.text}</h3>;
    case "section":
      return <Section block={block} names={names} press={press} />;
    case "context":
      return <div className="context">{block.elements.map((e, n) => <InContext key={n} element={e} names={names} />)}</div>;
    case "image":
      return <Picture url={block.image_url} alt={block.alt_text} title={block.title?.text} />;
    case "actions":
      return (
        <div className="actions">
          {block.elements.map((element) => (
            <Button key={element.action_id} element={element} block={block} press={press} names={names} />
          ))}
        </div>
      );
    case "plan":
      return <Plan block={block} />;
    case "divider":
      return <hr />;
    default:
      return <p className="context">A block of the type “{block.type}”, which this page does not draw.</p>;
  }
}

function Plan({ block }: { block: PlanBlock }) {
  return (
    <div className="plan">
      <b>{block.title}</b>
      <ol>{block.tasks.map((task) => <li key={task.task_id} className={task.status}>{task.title}</li>)}</ol>
    </div>
  );
}

/** A Work Object below a link. */
export function Entity({ entity }: { entity: NonNullable<Unfurl["entity"]> }) {
  const { attributes, fields, custom_fields } = entity.entity_payload;
  return (
    <div className="entity">
      {fields.preview && <img src={fields.preview.image_url} alt={fields.preview.alt_text} />}
      <div>
        <b>{attributes.title.text}</b>
        <small>{attributes.product_name} · {attributes.display_type} {attributes.display_id}</small>
        {custom_fields.map((field) => <p key={field.key}>{field.value}</p>)}
        <Link href={entity.url}>Open viewer</Link>
      </div>
    </div>
  );
}

function Section({ block, names, press }: { block: SectionBlock; names: Names; press: Press }) {
  const { accessory } = block;
  return (
    <div className="section">
      <div>
        {block.text && <Text text={block.text} names={names} />}
        {block.fields && (
          <div className="fields">{block.fields.map((field, n) => <Text key={n} text={field} names={names} />)}</div>
        )}
      </div>
      {accessory?.type === "image" && <Picture url={accessory.image_url} alt={accessory.alt_text} />}
      {accessory?.type === "button" && <Button element={accessory} block={block} press={press} names={names} />}
    </div>
  );
}

function InContext({ element, names }: { element: TextObject | ImageElement; names: Names }) {
  if (element.type === "image") return <img src={element.image_url} alt={element.alt_text} />;
  return <span><Mrkdwn text={element.text} names={names} /></span>;
}

function Text({ text, names }: { text: TextObject; names: Names }) {
  return <p>{text.type === "mrkdwn" ? <Mrkdwn text={text.text} names={names} /> : text.text}</p>;
}

/** A picture with its title above; it opens in a new tab. */
export function Picture({ url, alt, title }: { url: string; alt: string; title?: string | undefined }) {
  return (
    <figure>
      {title && <figcaption>{title}</figcaption>}
      <a href={url} target="_blank" rel="noopener noreferrer"><img src={url} alt={alt} /></a>
    </figure>
  );
}
