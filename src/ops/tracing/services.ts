import { WrittenRecords } from "../../written-records";
import { tracing } from "./tracing";

/** The same service; each of its methods is a span of its own, named like it, and those of its written records too. */
export function tracedService<Service extends object>(
  service: Service,
  name = service.constructor.name,
): Service {
  return new Proxy(service, {
    get(target, property) {
      // What is private belongs to the service itself, not to what stands in front of it.
      const member: unknown = Reflect.get(target, property, target);
      if (member instanceof WrittenRecords) return tracedService(member, `${name}.written`);
      if (typeof member !== "function" || typeof property !== "string") return member;
      return (...given: unknown[]) => {
        const work = (): unknown => Reflect.apply(member, target, given);
        return tracing()?.span(`${name}.${property}`, {}, work) ?? work();
      };
    },
  });
}
